import type { Standing } from './status.ts';

/** How something stands, in a word with a mark beside it. */
export function Chip({ standing }: { readonly standing: Standing }) {
  return (
    <span className="chip" data-tone={standing.tone}>
      {standing.word}
    </span>
  );
}
