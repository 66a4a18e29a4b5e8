import { act, cleanup, render, screen } from '@testing-library/react';
import { openChannels } from '@vivavoce/client';
import { StrictMode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser } from '../../testing/browser.ts';
import { InterviewRoom } from '../src/index.ts';

let world: FakeBrowser;

beforeEach(() => {
  vi.useFakeTimers();
  world = new FakeBrowser();
});

afterEach(async () => {
  cleanup();
  await vi.advanceTimersByTimeAsync(20_000);
  sessionStorage.clear();
  localStorage.clear();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const config = { baseUrl: 'http://control.test', token: 'user' };
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

test.each(['hybrid', 'direct'] as const)('%s: fifty rooms leave nothing', async (architecture) => {
  world.architecture = architecture;
  const listening = vi.spyOn(globalThis, 'addEventListener');
  const unlistening = vi.spyOn(globalThis, 'removeEventListener');
  for (let round = 0; round < 50; round += 1) {
    const room = render(
      <StrictMode>
        <InterviewRoom config={{ ...config, request: { architecture } }} />
      </StrictMode>,
    );
    screen.getByRole('button', { name: /Start the interview|Go on/ }).click();
    if (round % 4 > 0) await pass(round * 3); // at any moment: at once, and long after the call
    room.unmount();
    await pass(2_000);
    expect(world.left).toEqual({ sockets: 0, peers: 0, tracks: 0, contexts: 0 });
    expect(vi.getTimerCount()).toBe(0);
  }
  expect(openChannels.getSnapshot().size).toBe(0);
  const kept = (spy: typeof listening) =>
    spy.mock.calls.filter(([type]) => type === 'pagehide').length;
  expect(kept(listening)).toBe(kept(unlistening));
});
