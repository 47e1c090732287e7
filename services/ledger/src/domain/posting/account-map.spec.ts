import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AccountMap } from './account-map.ts';

const part = fc.constantFrom('', 'a', 'b', 'a b', 'ab');

test('is a map by clock, currency and name', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.record({ clock: part, currency: part, name: part }), fc.nat())),
      (sets) => {
        const accounts = new AccountMap<number>();
        const model = new Map<string, number>();
        for (const [key, value] of sets) {
          const { clock, currency, name } = key;
          const text = JSON.stringify([clock, currency, name]);
          expect(accounts.get(key)).toBe(model.get(text));
          accounts.set(key, value);
          model.set(text, value);
          expect(accounts.get(key)).toBe(value);
          expect(accounts.size).toBe(model.size);
        }
        expect([...accounts.values()].sort()).toEqual([...model.values()].sort());
      },
    ),
  );
});
