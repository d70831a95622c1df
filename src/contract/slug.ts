/** Leaves room for a suffix that makes the slug unique: a slug has at most 63 characters. */
const MAX_LENGTH = 50;

/** Returns a slug for a name, such as `etoile-co` for `Étoile & Co`; `fallback` if no characters remain. Pure. */
export function slugOf(name: string, fallback: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_LENGTH)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? fallback : slug;
}
