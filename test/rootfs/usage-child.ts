/** Changes the usage file so many times. Arguments: the file, how often. */
import { UsageFile } from '../../src/rootfs/usage-file.ts';

const usage = new UsageFile(process.argv[2] ?? '');
for (let count = Number(process.argv[3]); count > 0; count -= 1) {
  usage.update((record) => {
    record.uploads = { bytes: record.uploads.bytes + 1, files: record.uploads.files };
    record.roots['1:00'] = { bytes: record.uploads.bytes * 1000, files: 7 };
  });
}
