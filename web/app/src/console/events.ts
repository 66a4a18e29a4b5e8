import type { wire } from '@vivavoce/client';

/** What happened in a session besides speech, in a sentence. */
export function eventWords({ type, data }: wire.EventView): string {
  switch (type) {
    case 'pause':
      return 'The candidate paused';
    case 'resume':
      return 'The candidate went on';
    case 'accommodation_request': {
      const { message } = data as { readonly message?: unknown };
      return typeof message === 'string' && message !== ''
        ? `The candidate asks for something: “${message}”`
        : 'The candidate asks for an accommodation';
    }
    case 'configuration_changed':
      return 'Somebody changed the interviewer from the browser; it was put back';
    case 'entry_refused':
      return 'A line of the transcript could not be stored';
    default:
      return type.replaceAll('_', ' ');
  }
}
