import { describe, expect, it } from '@jest/globals';
import { clockNames } from './clock-names.ts';

const first = { clock: null, replaces: null, caller: '/importer', digest: '0123456789abcdef' };

describe('the clock of an import', () => {
  it('is named by people, or after what is imported', () => {
    expect(clockNames(first)).toEqual({ clock: 'import-0123456789abcdef', caller: '/importer' });
    expect(clockNames({ ...first, clock: 'june' })).toEqual({ clock: 'june', caller: '/importer' });
  });

  it('stands beside the one it corrects, with a caller whose references are free', () => {
    const corrected = { clock: 'june~01234567', caller: '/importer~01234567' };
    expect(clockNames({ ...first, replaces: 'june' })).toEqual(corrected);
    expect(clockNames({ ...first, replaces: 'june~89abcdef' })).toEqual(corrected);
  });

  it('is none when its name grows too long by that', () => {
    const long = 'j'.repeat(119);
    expect(clockNames({ ...first, replaces: long }).clock).toHaveLength(128);
    expect(() => clockNames({ ...first, replaces: `${long}j` })).toThrow('more than 128 characters');
    expect(() => clockNames({ ...first, replaces: 'june', caller: `${long}j` })).toThrow('the caller');
  });
});
