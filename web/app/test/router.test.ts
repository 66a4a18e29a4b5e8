import { expect, test } from 'vitest';
import { addressOf, type Browser, type Place, placeOf, Router } from '../src/console/router.ts';

const places: readonly [string, Place][] = [
  ['/console', { page: 'interviews' }],
  ['/console/interviews/new', { page: 'draft' }],
  ['/console/interviews/4f', { page: 'interview', id: '4f' }],
  ['/console/interviews/4f/invitations', { page: 'invitations', id: '4f' }],
  ['/console/sessions', { page: 'sessions', interviewId: null }],
  ['/console/sessions?interview=4f', { page: 'sessions', interviewId: '4f' }],
  ['/console/sessions/9a', { page: 'session', id: '9a' }],
];

const at = (address: string) => placeOf(new URL(address, 'http://localhost'));

test.each(places)('%s has its place, and the place its address', (address, place) => {
  expect(at(address)).toEqual(place);
  expect(at(`${address.split('?')[0]}/${address.slice(address.split('?')[0]?.length)}`)).toEqual(
    place,
  );
  expect(addressOf(place)).toBe(address);
});

test.each(['/console/nothing', '/console/interviews/4f/nothing', '/console/sessions/9a/nothing'])(
  '%s is nowhere',
  (address) => {
    expect(at(address)).toEqual({ page: 'nowhere' });
  },
);

function browserAt(address: string) {
  const visited = [new URL(address, 'http://localhost')];
  const target = new EventTarget();
  let scrolled = 0;
  const put =
    (replace: boolean) => (_state: unknown, _title: string, next?: string | URL | null) => {
      if (replace) visited.pop();
      visited.push(new URL(String(next), 'http://localhost'));
    };
  const browser = {
    get location() {
      return visited.at(-1);
    },
    history: { pushState: put(false), replaceState: put(true) },
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
    scrollTo: () => {
      scrolled += 1;
    },
  } as unknown as Browser;
  const back = () => {
    visited.pop();
    target.dispatchEvent(new Event('popstate'));
  };
  return { browser, back, visited, scrolls: () => scrolled };
}

test('going somewhere is remembered, and the browser leads back', () => {
  const { browser, back, visited, scrolls } = browserAt('/console');
  const router = new Router(browser);
  const stop = router.follow();
  const seen: Place[] = [];
  router.place.subscribe(() => seen.push(router.place.getSnapshot()));
  router.go({ page: 'session', id: '9a' });
  expect(visited.map(({ pathname }) => pathname)).toEqual(['/console', '/console/sessions/9a']);
  expect(scrolls()).toBe(1);
  router.go({ page: 'draft' }, { replace: true });
  expect(visited.map(({ pathname }) => pathname)).toEqual(['/console', '/console/interviews/new']);
  back();
  expect(seen.map(({ page }) => page)).toEqual(['session', 'draft', 'interviews']);
  stop();
});

test('what holds a place back keeps the recruiter there', () => {
  const { browser, back, visited } = browserAt('/console/interviews/new');
  const router = new Router(browser);
  const stop = router.follow();
  router.mayLeave = () => false;
  router.go({ page: 'interviews' });
  expect(router.place.getSnapshot()).toEqual({ page: 'draft' });
  expect(visited).toHaveLength(1);
  router.mayLeave = () => true;
  router.go({ page: 'session', id: '9a' });
  router.mayLeave = () => false;
  back();
  expect(router.place.getSnapshot()).toEqual({ page: 'session', id: '9a' });
  expect(visited.at(-1)?.pathname).toBe('/console/sessions/9a');
  stop();
});
