import { expect, test } from 'vitest';
import { find } from '../src/console/search.ts';

const marked = (lines: readonly string[], query: string) =>
  find(lines, query).lines.map((pieces) =>
    pieces.map(({ text, match }) => (match === null ? text : `[${match}:${text}]`)).join(''),
  );

test.each([
  ['bike', ['[0:Bike]s and [1:BIKE]s', 'no [2:bike]']],
  ['café', ['[0:Café]', '[1:cafe] and [2:CAFE\u0301]']],
  ['cafe', ['[0:Café]', '[1:cafe] and [2:CAFE\u0301]']],
  ['two  words', ['[0:two words], [1:Two\n words]']],
  ['ss', ['Stra\u00dfe, Ka[0:ss]e']],
  ['😀', ['a [0:😀] b [1:😀]']],
  ['a.b', ['[0:a.b] axb']],
])('%s is found whatever its case, accents and spaces', (query, expected) => {
  const lines = expected.map((line) => line.replace(/\[\d+:([^\]]*)\]/g, '$1'));
  expect(marked(lines, query)).toEqual(expected);
});

test.each(['', '   '])('nothing is found for "%s"', (query) => {
  expect(find(['one', 'two'], query)).toEqual({
    lines: [[{ text: 'one', match: null }], [{ text: 'two', match: null }]],
    count: 0,
  });
});

test('a line is never changed by being searched', () => {
  const lines = ['', ' ', 'İstanbul ŒUVRE', 'a\u0301\u0301b', 'ab'.repeat(500)];
  for (const query of ['a', 'i', 'b', 'œ', '\u0301', 'ba']) {
    expect(
      find(lines, query).lines.map((pieces) => pieces.map(({ text }) => text).join('')),
    ).toEqual(lines);
  }
});
