/** Who may do what: a token's scopes are those of its role. `admin` has every scope named here. */
const scopes = {
  publisher: ['slips:write', 'slips:read'],
  ops: ['slips:read', 'cases:read', 'cases:write', 'providers:read', 'providers:write', 'watermarks:read'],
  sre: ['slips:read', 'events:read', 'watermarks:read', 'cases:read', 'providers:read'],
  approver: ['slips:read', 'cases:read', 'reviews:write'],
} as const satisfies Record<string, readonly string[]>;

export type Role = keyof typeof scopes | 'admin';

export const roles = [...Object.keys(scopes), 'admin'] as readonly Role[];

export function scopesOf(role: Role): readonly string[] {
  return role === 'admin' ? [...new Set(Object.values(scopes).flat())] : scopes[role];
}
