import { writeOut } from '../shell/output.ts';
import { VERSION } from '../shell/version.ts';

export function run(): void {
  writeOut(`novaboot-shell ${VERSION}\n`);
}
