import { expect, test } from 'vitest';
import { dress } from '../src/ui/theme.ts';

const light = { accent: '#7a1fa2', onAccent: '#ffffff', accentSoft: '#f0e6f4' };
const dark = { accent: '#b67bcc', onAccent: '#0b0d0f', accentSoft: '#302b3a' };

test('a page takes a tenant’s colours, and its own again', () => {
  const root = document.createElement('div');
  const shown = () => ['--accent', '--on-accent', '--accent-soft'].map(of);
  const of = (name: string) => root.style.getPropertyValue(name);
  dress({ light, dark }, root);
  expect(shown()).toEqual([
    'light-dark(#7a1fa2, #b67bcc)',
    'light-dark(#ffffff, #0b0d0f)',
    'light-dark(#f0e6f4, #302b3a)',
  ]);
  dress(null, root);
  expect(shown()).toEqual(['', '', '']);
});
