import type { RealtimeServerEvent } from './generated.ts';
import { Store } from './store.ts';

/** What the interviewer does at the moment. */
export type InterviewerActivity = 'listening' | 'thinking' | 'speaking';

export interface Presence {
  readonly interviewer: InterviewerActivity;
  readonly isCandidateSpeaking: boolean;
  /** Whether a reply is being made or played, so that it would have to be stopped first. */
  readonly isReplying: boolean;
}

export const quiet: Presence = {
  interviewer: 'listening',
  isCandidateSpeaking: false,
  isReplying: false,
};

/** Who does what after an event of the voice model. */
export function nextPresence(presence: Presence, event: RealtimeServerEvent): Presence {
  switch (event.type) {
    case 'input_audio_buffer.speech_started':
      return { ...presence, isCandidateSpeaking: true };
    case 'input_audio_buffer.speech_stopped':
      return { ...presence, isCandidateSpeaking: false, interviewer: 'thinking' };
    case 'conversation.item.input_audio_transcription.completed':
    case 'conversation.item.input_audio_transcription.failed': {
      const isNoise = event.type.endsWith('failed') || !('transcript' in event && event.transcript);
      const isIdle = isNoise && !presence.isReplying;
      return isIdle ? { ...presence, interviewer: 'listening' } : presence;
    }
    case 'response.created':
      return { ...presence, isReplying: true, interviewer: 'thinking' };
    case 'output_audio_buffer.started':
      return { ...presence, interviewer: 'speaking' };
    case 'output_audio_buffer.stopped':
    case 'output_audio_buffer.cleared':
      return { ...presence, interviewer: 'listening', isReplying: false };
    case 'response.done':
      return presence.interviewer === 'speaking'
        ? presence
        : { ...presence, interviewer: 'listening', isReplying: false };
    default:
      return presence;
  }
}

/** The presence, from the events of a call. */
export class PresenceStore extends Store<Presence> {
  constructor() {
    super(quiet);
  }

  hear(event: RealtimeServerEvent): void {
    this.set(nextPresence(this.getSnapshot(), event));
  }
}
