import { expect, test } from 'vitest';
import { grown } from '../src/console/feed.ts';
import { type Column, matches, pressed, sorted } from '../src/console/rows.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly size: number;
}

const columns: readonly Column<Row>[] = [
  { key: 'name', title: 'Name', sortBy: ({ name }) => name },
  { key: 'size', title: 'Size', sortBy: ({ size }) => size },
  { key: 'acts', title: 'Acts' },
];
const rows: readonly Row[] = [
  { id: '1', name: 'Éva', size: 10 },
  { id: '2', name: 'adam', size: 9 },
  { id: '3', name: 'Zoe', size: 9 },
];
const ids = (found: readonly { readonly id: string }[]) => found.map(({ id }) => id).join('');

test.each([
  [{ key: 'name', isDescending: false }, '213'],
  [{ key: 'name', isDescending: true }, '312'],
  [{ key: 'size', isDescending: false }, '231'],
  [{ key: 'size', isDescending: true }, '123'],
  [{ key: 'acts', isDescending: false }, '123'],
  [{ key: 'nothing', isDescending: false }, '123'],
])('rows are sorted by %o, and equals keep their order', (sorting, expected) => {
  expect(ids(sorted(rows, columns, sorting))).toBe(expected);
});

test('a head sorts up at first and then down', () => {
  const up = pressed({ key: 'size', isDescending: true }, 'name');
  expect(up).toEqual({ key: 'name', isDescending: false });
  expect(pressed(up, 'name')).toEqual({ key: 'name', isDescending: true });
});

test('every word of a filter must be there', () => {
  expect(matches('rob LIVE', 'Robin Ashby Live')).toBe(true);
  expect(matches('', 'anything')).toBe(true);
  expect(matches('rob ended', 'Robin Ashby Live')).toBe(false);
});

const at = (id: string, minute: number) => ({ id, createdAt: `2026-11-24T10:0${minute}:00Z` });
const idOf = ({ id }: { readonly id: string }) => id;

test('older rows stay when the first page is read again, and what is gone from it goes', () => {
  const before = { rows: [at('d', 4), at('c', 3), at('b', 2), at('a', 1)], nextCursor: 'next' };
  const first = { rows: [at('e', 5), at('d', 4)], nextCursor: 'page' };
  expect(grown(first, before, idOf)).toEqual({
    rows: [at('e', 5), at('d', 4), at('c', 3), at('b', 2), at('a', 1)],
    nextCursor: 'next',
  });
  const erased = { rows: [at('d', 4), at('b', 2)], nextCursor: 'page' };
  expect(ids(grown(erased, before, idOf).rows)).toBe('dba');
  const all = { rows: [at('d', 4)], nextCursor: null };
  expect(grown(all, before, idOf)).toBe(all);
  expect(grown(first, null, idOf)).toBe(first);
});
