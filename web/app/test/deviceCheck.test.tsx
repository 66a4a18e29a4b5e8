import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeBrowser, problem } from '../../testing/browser.ts';
import { DeviceCheck } from '../src/candidate/DeviceCheck.tsx';

let world: FakeBrowser;
const heard = 'conversation.item.input_audio_transcription.completed';
const made = { answer: 'v=0', callId: 'rtc_1', endsAt: '2026-11-28T09:00:00Z' };

beforeEach(() => {
  vi.useFakeTimers();
  world = new FakeBrowser();
});

afterEach(async () => {
  cleanup();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(world.left).toEqual({ sockets: 0, peers: 0, tracks: 0, contexts: 0 });
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The answers to one check. */
function expectCheck() {
  world.replies.push(
    ['/sound-check', { status: 200, body: { stunServers: [], turnServers: [] } }],
    ['/sound-check', { status: 201, body: made }],
  );
}

async function open() {
  const onNext = vi.fn();
  render(<DeviceCheck token={async () => 'token'} onNext={onNext} />);
  await pass();
  return onNext;
}

const pass = (milliseconds = 100) => act(() => vi.advanceTimersByTimeAsync(milliseconds));
const say = (event: Record<string, unknown>) => act(async () => world.peer.channel.say(event));
const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name });
const shows = (text: string | RegExp) => expect(screen.getByText(text)).toBeTruthy();

test('who was understood may start, and the call of the check is let go of', async () => {
  expectCheck();
  const onNext = await open();
  shows(/^Your sound reaches the interviewer/);
  expect(button('Start the interview').disabled).toBe(true);
  await say({ type: heard, item_id: 'i', transcript: ' Good morning. ' });
  shows('We understood: “Good morning.”');
  expect(world.peer.connectionState).toBe('closed');
  fireEvent.click(button('Start the interview'));
  expect(onNext).toHaveBeenCalledExactlyOnceWith({ way: 'speaking', microphoneId: null });
});

test('who is heard and not understood is told what helps, and heard again', async () => {
  expectCheck();
  await open();
  await say({ type: heard, item_id: 'i', transcript: '' });
  shows(/cannot make out words/);
  expect(button('Start the interview').disabled).toBe(true);
  await say({ type: heard, item_id: 'j', transcript: 'Good morning.' });
  expect(button('Start the interview').disabled).toBe(false);
});

test('who has no microphone may type once the way is known to be good', async () => {
  expectCheck();
  world.microphone = () => {
    throw new DOMException('none', 'NotFoundError');
  };
  const onNext = await open();
  shows('We find no microphone');
  shows('Plug one in or switch it on, then try again.');
  expect(button('Start the interview').disabled).toBe(true);
  fireEvent.click(button('Type my answers instead'));
  expect(onNext).toHaveBeenCalledExactlyOnceWith({ way: 'typing', microphoneId: null });
});

test('where no call gets through it says so, and trying again may help', async () => {
  expectCheck();
  world.onAnswer = (peer) => peer.become('failed');
  await open();
  shows('The sound does not get through');
  shows('WEBRTC_CONNECTION_FAILED');
  expect(button('Type my answers instead').disabled).toBe(true);
  expectCheck();
  world.onAnswer = (peer) => peer.become('connected');
  fireEvent.click(button('Try again'));
  await pass();
  shows(/^Your sound reaches the interviewer/);
});

test.each([
  ['SDP_EXCHANGE_FAILED', 'The interviewer does not take the call at the moment'],
  ['RATE_LIMITED', 'Too many checks in a row'],
  ['UNAVAILABLE', 'We do not reach the service'],
])('a check that is refused with %s says “%s”', async (code, words) => {
  world.replies.push(
    ['/sound-check', { status: 200, body: { stunServers: [], turnServers: [] } }],
    ['/sound-check', problem(code)],
  );
  await open();
  shows(words);
  expect(button('Start the interview').disabled).toBe(true);
});

test('a check that ends before anything was understood can be made again', async () => {
  expectCheck();
  await open();
  await act(async () => world.peer.channel.lose());
  shows('The check has ended: nothing was understood for a while.');
  expect(button('Start the interview').disabled).toBe(true);
  expect(button('Type my answers instead').disabled).toBe(false);
  expectCheck();
  fireEvent.click(button('Check again'));
  await pass();
  shows(/^Your sound reaches the interviewer/);
});

test('who is not heard for a while is told what helps', async () => {
  expectCheck();
  world.loudness = 0;
  await open();
  shows('We listen.');
  await pass(6_000);
  shows(/^We do not hear you yet/);
  world.loudness = 0.25;
  await pass(1_000);
  shows('We hear you well.');
});

test('another microphone is checked as the first one was, and is the one of the interview', async () => {
  world.devices = ['Built in', 'Headset'];
  expectCheck();
  const onNext = await open();
  const select = screen.getByRole<HTMLSelectElement>('combobox', { name: 'Microphone' });
  expect([...select.options].map(({ label }) => label)).toEqual(['Built in', 'Headset']);
  expectCheck();
  fireEvent.change(select, { target: { value: 'Headset' } });
  await pass();
  expect(world.wanted.at(-1)).toBe('Headset');
  await say({ type: heard, item_id: 'i', transcript: 'Good morning.' });
  fireEvent.click(button('Start the interview'));
  expect(onNext).toHaveBeenCalledExactlyOnceWith({ way: 'speaking', microphoneId: 'Headset' });
});
