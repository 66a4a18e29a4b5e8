/** How a candidate answers. */
export type Way = 'speaking' | 'typing';

/** What a candidate has settled before the interview. */
export interface Choice {
  readonly way: Way;
  /** The browser's id of a device; null for whichever it gives. */
  readonly microphoneId: string | null;
}

const key = 'vivavoce-way';
const usual: Choice = { way: 'speaking', microphoneId: null };

/** Remember it for a reload of this tab; a browser that keeps nothing takes the usual. */
export function keepChoice(choice: Choice): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(choice));
  } catch {
    // Refused or full: the interview goes on without.
  }
}

export function keptChoice(): Choice {
  try {
    const found: Partial<Choice> | null = JSON.parse(sessionStorage.getItem(key) ?? 'null');
    const { microphoneId } = found ?? {};
    return {
      way: found?.way === 'typing' ? 'typing' : 'speaking',
      microphoneId: typeof microphoneId === 'string' ? microphoneId : null,
    };
  } catch {
    return usual;
  }
}
