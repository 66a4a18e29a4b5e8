import type { ReactNode } from 'react';

/** What narrows a list, and how much of the list is left. */
export function FilterRow(props: {
  readonly filter: string;
  readonly onFilter: (filter: string) => void;
  /** What the words are looked for in. */
  readonly within: string;
  readonly shown: number;
  readonly all: number;
  /** Further fields that narrow it. */
  readonly children?: ReactNode;
}) {
  const { shown, all } = props;
  return (
    <>
      <div className="filters">
        <label>
          Filter
          <input
            type="search"
            value={props.filter}
            placeholder={props.within}
            onChange={({ target }) => props.onFilter(target.value)}
          />
        </label>
        {props.children}
      </div>
      <p className="hint" role="status">
        {shown === all ? `${all} shown` : `${shown} of ${all} shown`}
      </p>
    </>
  );
}
