import type { wire } from '@vivavoce/client';

const properties = { accent: '--accent', onAccent: '--on-accent', accentSoft: '--accent-soft' };

/**
 * Give the page a tenant's colours; null gives it its own. The page's policy forbids inline styles,
 * and allows a script to set properties.
 */
export function dress(theme: wire.Theme | null, root: HTMLElement = document.documentElement) {
  for (const [shade, property] of Object.entries(properties)) {
    const name = shade as keyof wire.Shades;
    if (theme === null) root.style.removeProperty(property);
    else root.style.setProperty(property, `light-dark(${theme.light[name]}, ${theme.dark[name]})`);
  }
}
