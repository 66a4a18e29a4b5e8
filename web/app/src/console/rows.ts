/** One column of a table. */
export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  /** What rows are sorted by; a column without it cannot be sorted by. */
  readonly sortBy?: (row: Row) => string | number;
  /** Whether a narrow screen goes without it. */
  readonly isSpare?: boolean;
}

export interface Sorting {
  readonly key: string;
  readonly isDescending: boolean;
}

const compare = new Intl.Collator('en', { numeric: true, sensitivity: 'base' }).compare;

/** The rows in order; those that are equal keep theirs. */
export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { key, isDescending }: Sorting,
): readonly Row[] {
  const sortBy = columns.find((one) => one.key === key)?.sortBy;
  if (sortBy === undefined) return rows;
  const sign = isDescending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [a, b] = [sortBy(one), sortBy(other)];
    const order = typeof a === 'number' && typeof b === 'number' ? a - b : compare(`${a}`, `${b}`);
    return sign * order;
  });
}

/** The next sorting after a press on a column's head: first up, then down. */
export function pressed(sorting: Sorting, key: string): Sorting {
  return { key, isDescending: sorting.key === key && !sorting.isDescending };
}

/** Whether every word of a filter is somewhere in a row's text. */
export function matches(filter: string, text: string): boolean {
  const within = text.toLocaleLowerCase();
  return filter
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => within.includes(word));
}
