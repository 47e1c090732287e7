import { describe, expect, test } from '@jest/globals';
import { dispatch } from '../domain/dispatch/spec-support.ts';
import type { Candidate } from '../domain/route/choose.ts';
import type { Provider } from './ports.ts';
import { routing } from './routing.ts';

const named = (...ids: string[]): Candidate[] =>
  ids.map((id, index) => ({ id, priority: index + 1, weight: 1 }));
const providers = new Map(['acme', 'borealis', 'cumulus'].map((id) => [id, { id } as Provider]));
const routes = new Map([
  ['default', named('acme', 'borealis')],
  ['alone', named('cumulus')],
  ['reported', []],
]);
const none = new Set<string>();
const of = (isHealthy = (_: string) => true) => routing({ routes, providers, isHealthy, random: () => 0 });

describe('routing', () => {
  test('leaves a slip where it is when its route has no choice, or is not in the rules any more', () => {
    for (const route of ['alone', 'reported', 'gone']) {
      expect(of().choose(dispatch({ route }), none)).toBeNull();
    }
    expect(of().choose(dispatch(), none)?.provider).toBe('acme');
  });

  test('knows where slips are stuck: at who is not to be called, while another one is', () => {
    expect(of().stuck(none)).toEqual([]);
    expect(of().stuck(new Set(['acme', 'cumulus']))).toEqual([{ provider: 'acme', route: 'default' }]);
    expect(of((id) => id !== 'acme').stuck(none)).toEqual([{ provider: 'acme', route: 'default' }]);
    expect(of().stuck(new Set(['acme', 'borealis']))).toEqual([]);
  });

  test('passes over who is not configured', () => {
    const gone = routing({
      routes: new Map([['default', named('gone', 'acme')]]),
      providers,
      isHealthy: () => true,
      random: () => 0,
    });
    expect(gone.choose(dispatch(), none)).toMatchObject({
      provider: 'acme',
      choice: { reason: 'not_configured' },
    });
    expect(gone.open('default', new Set())).toEqual(['acme']);
  });

  test('tells whether there is any choice at all', () => {
    expect(of().hasChoice).toBe(true);
    expect(
      routing({
        routes: new Map([['alone', named('cumulus')]]),
        providers,
        isHealthy: () => true,
        random: () => 0,
      }).hasChoice,
    ).toBe(false);
  });
});
