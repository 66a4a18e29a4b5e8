import type { WebRTCState } from '@vivavoce/react';
import { useEffect, useRef } from 'react';
import { onScale } from './hearing.ts';

const activities = {
  listening: 'The interviewer is listening',
  thinking: 'The interviewer is thinking',
  speaking: 'The interviewer is speaking',
} as const;

/** Who does what at the moment, from the sound itself and in words. */
export function Presence({ state }: { readonly state: WebRTCState }) {
  const { status, presence, interview, isPaused, isMuted } = state;
  const shape = useRef<HTMLDivElement>(null);
  const activity = status === 'connected' && !isPaused ? presence.interviewer : 'away';
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      const { interviewer, candidate } = interview.sound.levels();
      const level =
        activity === 'speaking' ? interviewer : activity === 'listening' ? candidate : 0;
      shape.current?.style.setProperty('--level', onScale(level).toFixed(2));
      frame = requestAnimationFrame(draw);
    };
    frame = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(frame);
  }, [interview, activity]);
  return (
    <div className="presence" data-activity={activity}>
      <div className="shape" ref={shape} aria-hidden="true">
        <i />
        <i />
        <i />
      </div>
      <p role="status">{wordsOf(status, presence.interviewer, { isPaused, isMuted })}</p>
    </div>
  );
}

function wordsOf(
  status: WebRTCState['status'],
  activity: keyof typeof activities,
  { isPaused, isMuted }: { readonly isPaused: boolean; readonly isMuted: boolean },
): string {
  if (status === 'connecting' || status === 'idle') return 'Connecting you with the interviewer…';
  if (status === 'reconnecting') return 'Connecting again…';
  if (status !== 'connected') return 'Saying goodbye…';
  if (isPaused) return 'Paused. Take your time.';
  if (isMuted && activity === 'listening') return 'Your microphone is off';
  return activities[activity];
}
