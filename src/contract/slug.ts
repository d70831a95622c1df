const SLUG_MAX = 50;

/** A slug made from a name: `Étoile & Co` becomes `etoile-co`; `otherwise` where nothing is left of it. Pure. */
export function slugOf(name: string, fallback: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_MAX)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? fallback : slug;
}
