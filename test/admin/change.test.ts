import { once } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { applyChanges, type Change } from '../../src/admin/change.ts';
import { CommandError, ExitCode } from '../../src/shell/errors.ts';

let log: string[];
beforeEach(() => {
  log = [];
});

function change(name: string, more: Partial<Change> = {}): Change {
  return {
    text: `+ ${name}`,
    apply: () => void log.push(name),
    undo: () => void log.push(`undo ${name}`),
    ...more,
  };
}

function failing(error: Error): () => never {
  return () => {
    throw error;
  };
}

describe('applyChanges', () => {
  it('makes them in their order, and tells then', async () => {
    const said: string[] = [];
    await applyChanges([change('a'), change('b')], ({ text }) => said.push(text));
    expect(log).toEqual(['a', 'b']);
    expect(said).toEqual(['+ a', '+ b']);
  });

  it('takes back what it did when one fails, in reverse, and tells nothing else', async () => {
    const said: string[] = [];
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const changes = [
      change('a'),
      { text: '+ b', apply: () => void log.push('b') },
      change('c'),
      change('d', { apply: failing(full) }),
      change('e'),
    ];
    await expect(applyChanges(changes, ({ text }) => said.push(text))).rejects.toThrow(
      new CommandError('d: the disk is full; not undone: b'),
    );
    expect(log).toEqual(['a', 'b', 'c', 'undo c', 'undo a']);
    expect(said).toEqual([]);
  });

  it('says what could not be taken back, and goes on with the others', async () => {
    const changes = [
      change('a'),
      change('b', { undo: failing(new Error('it is gone')) }),
      change('c', { apply: failing(new CommandError('useradd: no', ExitCode.configuration)) }),
    ];
    await expect(applyChanges(changes)).rejects.toThrow(
      expect.objectContaining({
        message: 'c: useradd: no; not undone: b (it is gone)',
        exitCode: ExitCode.configuration,
      }),
    );
    expect(log).toEqual(['a', 'b', 'undo a']);
  });

  it('takes back nothing before what is final, tells what stays, and that it has to be completed', async () => {
    const said: string[] = [];
    const changes = [
      change('a'),
      change('b', { isFinal: 'done' }),
      change('c'),
      change('d', { apply: failing(new Error('no')) }),
    ];
    await expect(applyChanges(changes, ({ text }) => said.push(text))).rejects.toThrow(
      new CommandError(
        'd: no; what is listed was done, and stays (changes: 2); say this again to complete it',
      ),
    );
    expect(log).toEqual(['a', 'b', 'c', 'undo c']);
    expect(said).toEqual(['+ a', '+ b']);
  });

  it('has a way back from what is final only once it is done, and has failed', async () => {
    const final = change('b', { apply: failing(new Error('not yet')), isFinal: 'done' });
    await expect(applyChanges([change('a'), final])).rejects.toThrow(
      new CommandError('b: not yet; nothing was changed'),
    );
    expect(log).toEqual(['a', 'undo a']);
  });

  it('has no way back from what is final as soon as it is begun, and has failed', async () => {
    const final = change('b', { apply: failing(new Error('half of it')), isFinal: 'begun' });
    await expect(applyChanges([final])).rejects.toThrow(
      new CommandError('b: half of it; say this again to complete it'),
    );
    await expect(applyChanges([change('a'), final])).rejects.toThrow(
      new CommandError(
        'b: half of it; what is listed was done, and stays (changes: 1); say this again to complete it',
      ),
    );
    expect(log).toEqual(['a']);
  });

  it('names a change by its first line: more may be secret', async () => {
    const secret = { text: '~ file\n  + password=x', apply: failing(new Error('no')) };
    await expect(applyChanges([secret])).rejects.toThrow(new CommandError('file: no; nothing was changed'));
  });

  it('ends between two changes when a signal arrives', async () => {
    const interrupt = async () => {
      const delivered = once(process, 'SIGHUP');
      process.kill(process.pid, 'SIGHUP');
      await delivered;
      log.push('b');
    };
    await expect(applyChanges([change('a'), change('b', { apply: interrupt }), change('c')])).rejects.toThrow(
      expect.objectContaining({ message: 'Ended by SIGHUP; nothing was changed', exitCode: 129 }),
    );
    expect(log).toEqual(['a', 'b', 'undo b', 'undo a']);
  });
});
