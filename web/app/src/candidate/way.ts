/** How a candidate answers. */
export type Way = 'speaking' | 'typing';

const key = 'vivavoce-way';

/** Remember it for a reload of this tab; a browser that keeps nothing asks again. */
export function keepWay(way: Way): void {
  try {
    sessionStorage.setItem(key, way);
  } catch {
    // Refused or full: the interview goes on without.
  }
}

export function keptWay(): Way {
  try {
    return sessionStorage.getItem(key) === 'typing' ? 'typing' : 'speaking';
  } catch {
    return 'speaking';
  }
}
