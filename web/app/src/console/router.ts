import { type Readable, Store } from '@vivavoce/client';

/** Where a recruiter is. Every one has an address that can be kept and sent. */
export type Place =
  | { readonly page: 'interviews' }
  | { readonly page: 'draft' }
  | { readonly page: 'interview'; readonly id: string }
  | { readonly page: 'invitations'; readonly id: string }
  | { readonly page: 'sessions'; readonly interviewId: string | null }
  | { readonly page: 'session'; readonly id: string }
  | { readonly page: 'nowhere' };

const root = '/console';

/** The place of an address; `nowhere` if it is none of ours. */
export function placeOf({ pathname, search }: Pick<Location, 'pathname' | 'search'>): Place {
  const [list, id, part, ...more] = pathname
    .slice(root.length)
    .split('/')
    .filter((word) => word !== '');
  if (list === undefined) return { page: 'interviews' };
  if (list === 'sessions' && id === undefined) {
    return { page: 'sessions', interviewId: new URLSearchParams(search).get('interview') };
  }
  if (list === 'sessions' && id !== undefined && part === undefined) return { page: 'session', id };
  if (list !== 'interviews' || more.length > 0) return { page: 'nowhere' };
  if (id === undefined) return { page: 'interviews' };
  if (part === 'invitations') return { page: 'invitations', id };
  if (part !== undefined) return { page: 'nowhere' };
  return id === 'new' ? { page: 'draft' } : { page: 'interview', id };
}

/** The address of a place. */
export function addressOf(place: Place): string {
  switch (place.page) {
    case 'interviews':
    case 'nowhere':
      return root;
    case 'draft':
      return `${root}/interviews/new`;
    case 'interview':
      return `${root}/interviews/${encodeURIComponent(place.id)}`;
    case 'invitations':
      return `${root}/interviews/${encodeURIComponent(place.id)}/invitations`;
    case 'sessions': {
      const query = place.interviewId === null ? '' : `?interview=${place.interviewId}`;
      return `${root}/sessions${query}`;
    }
    case 'session':
      return `${root}/sessions/${encodeURIComponent(place.id)}`;
  }
}

/** What the browser gives a router. */
export type Browser = Pick<
  Window,
  'history' | 'location' | 'addEventListener' | 'removeEventListener' | 'scrollTo'
>;

/** Goes from place to place, with the browser's own history. */
export class Router {
  readonly #browser: Browser;
  readonly #place: Store<Place>;
  readonly #follow = () => {
    const { history, location } = this.#browser;
    if (this.mayLeave()) this.#place.set(placeOf(location));
    else history.pushState(null, '', addressOf(this.#place.getSnapshot()));
  };
  /** Asked before a place is left; what it holds back is not left. */
  mayLeave: () => boolean = () => true;

  constructor(browser: Browser = window) {
    this.#browser = browser;
    this.#place = new Store(placeOf(browser.location));
  }

  get place(): Readable<Place> {
    return this.#place;
  }

  /** Go to a place; `replace` leaves no way back to the one before. */
  go(place: Place, how: { readonly replace?: boolean } = {}): void {
    if (!this.mayLeave()) return;
    const { history, scrollTo } = this.#browser;
    if (how.replace) history.replaceState(null, '', addressOf(place));
    else history.pushState(null, '', addressOf(place));
    this.#place.set(place);
    scrollTo.call(this.#browser, 0, 0);
  }

  /** Follow the browser's back and forward; returns what stops it. */
  follow(): () => void {
    this.#browser.addEventListener('popstate', this.#follow);
    return () => this.#browser.removeEventListener('popstate', this.#follow);
  }
}
