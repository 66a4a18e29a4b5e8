/** A piece of a text, with the number of its match among all; null outside of one. */
export interface Piece {
  readonly text: string;
  readonly match: number | null;
}

/** Lines in pieces, and how many matches are in all of them. */
export interface Found {
  readonly lines: readonly (readonly Piece[])[];
  readonly count: number;
}

/**
 * Find a text in lines, whatever its case, accents and width of spaces.
 *
 * The pieces of a line are the line as it was; nothing of it is changed.
 */
export function find(lines: readonly string[], query: string): Found {
  const wanted = folded(query.trim()).text;
  if (wanted === '') {
    return { lines: lines.map((text) => [{ text, match: null }]), count: 0 };
  }
  let count = 0;
  const cut = (line: string): readonly Piece[] => {
    const { text, places } = folded(line);
    const pieces: Piece[] = [];
    let done = 0;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const start = places[at] ?? 0;
      const end = places[at + wanted.length] ?? line.length;
      if (start > done) pieces.push({ text: line.slice(done, start), match: null });
      pieces.push({ text: line.slice(start, end), match: count });
      count += 1;
      done = end;
    }
    if (done < line.length || pieces.length === 0) {
      pieces.push({ text: line.slice(done), match: null });
    }
    return pieces;
  };
  const all = lines.map(cut);
  return { lines: all, count };
}

/** A text as it is compared, and for each of its units where it begins in the text as it was. */
function folded(text: string): { readonly text: string; readonly places: readonly number[] } {
  let plain = '';
  const places: number[] = [];
  let place = 0;
  for (const sign of text) {
    const base = sign.normalize('NFD').replace(/\p{Mn}/gu, '');
    const lower = /\s/u.test(sign) ? (plain.endsWith(' ') ? '' : ' ') : base.toLowerCase();
    plain += lower;
    for (let unit = 0; unit < lower.length; unit += 1) places.push(place);
    place += sign.length;
  }
  places.push(place);
  return { text: plain, places };
}
