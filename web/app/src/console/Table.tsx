import { type KeyboardEvent, type ReactNode, useState } from 'react';
import { type Column, pressed, type Sorting, sorted } from './rows.ts';

/** A column, and how it shows a row. */
export interface ShownColumn<Row> extends Column<Row> {
  readonly show: (row: Row) => ReactNode;
}

/**
 * A dense table: sorted by its heads, and gone through by the arrow keys, Home and End once a link
 * or button in it has the focus.
 */
export function Table<Row>(props: {
  readonly caption: string;
  readonly columns: readonly ShownColumn<Row>[];
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  readonly initially: Sorting;
}) {
  const { columns } = props;
  const [sorting, setSorting] = useState(props.initially);
  return (
    <div className="table">
      <table>
        <caption className="hidden">{props.caption}</caption>
        <thead>
          <tr>
            {columns.map(({ key, title, isSpare, sortBy }) => (
              <th key={key} scope="col" data-spare={isSpare} aria-sort={sortOf(sorting, key)}>
                {sortBy ? (
                  <button type="button" onClick={() => setSorting(pressed(sorting, key))}>
                    {title}
                  </button>
                ) : (
                  <span className="hidden">{title}</span>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={moveFocus}>
          {sorted(props.rows, columns, sorting).map((row) => (
            <tr key={props.idOf(row)}>
              {columns.map(({ key, isSpare, show }) => (
                <td key={key} data-spare={isSpare}>
                  {show(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function sortOf(sorting: Sorting, key: string): 'ascending' | 'descending' | undefined {
  if (sorting.key !== key) return undefined;
  return sorting.isDescending ? 'descending' : 'ascending';
}

/** Go to the first thing in another row that can have the focus. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const rows = [...event.currentTarget.querySelectorAll('tr')];
  const row = (event.target as HTMLElement).closest('tr');
  const at = row === null ? -1 : rows.indexOf(row);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  const target = to === undefined ? null : rows[to]?.querySelector<HTMLElement>('a, button');
  if (!target || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  target.focus();
}
