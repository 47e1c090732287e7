/** Who may do what: a token's scopes are those of its role. `admin` has every scope named here. */
const scopes = {
  // Reads the slips that it submitted itself, with what it wrote beside them.
  publisher: ['slips:write', 'slips:read', 'metadata:read'],
  ops: [
    'slips:read',
    'slips:read:all',
    'metadata:read',
    'reviews:read',
    'accounts:write',
    'cases:read',
    'cases:write',
    'statements:read',
    'statements:write',
    'breaks:write',
    'providers:read',
    'providers:write',
    'watermarks:read',
    'dead_letters:read',
    'dead_letters:redrive',
  ],
  sre: [
    'statements:read',
    'slips:read',
    'slips:read:all',
    'events:read',
    'watermarks:read',
    'cases:read',
    'providers:read',
    'dead_letters:read',
    'dead_letters:redrive',
  ],
  approver: [
    'slips:read',
    'slips:read:all',
    'metadata:read',
    'cases:read',
    'refunds:approve',
    'reviews:read',
    'reviews:write',
  ],
} as const satisfies Record<string, readonly string[]>;

/** What a route may ask for. A scope that no role has does not compile: such a route would be open to nobody. */
export type Scope = (typeof scopes)[keyof typeof scopes][number];
export type Role = keyof typeof scopes | 'admin';

export const roles = [...Object.keys(scopes), 'admin'] as readonly Role[];

export function scopesOf(role: Role): readonly Scope[] {
  return role === 'admin' ? [...new Set(Object.values(scopes).flat())] : scopes[role];
}
