import type { Outside as Why } from './access.ts';

const said: Readonly<Record<Why, { readonly title: string; readonly lead: string }>> = {
  no_link: {
    title: 'The console opens by a link',
    lead: 'Whoever runs Vivavoce for you makes one for you.',
  },
  used_link: {
    title: 'This link opens nothing any more',
    lead: 'A link lets you in once, within an hour. This one was used, or is too old.',
  },
  expired: {
    title: 'Your time in the console is up',
    lead: 'Access lasts twelve hours. What you have saved is stored.',
  },
  left: {
    title: 'You have signed out',
    lead: 'Your access opens nothing any more. Sessions go on without you.',
  },
  left_unheard: {
    title: 'You have signed out of this tab',
    lead: 'It has forgotten your access. The service did not answer, so a copy of it would open the console until twelve hours after you came in.',
  },
};

/** Before the door: why it is shut, and how to get another link. */
export function Outside({ why }: { readonly why: Why }) {
  const { title, lead } = said[why];
  return (
    <main className="page narrow">
      <h1>{title}</h1>
      <p className="lead">{lead}</p>
      <p>On the machine that runs Vivavoce, this prints a link that is good for one use:</p>
      <pre className="command">
        <code>viva console</code>
      </pre>
      <p className="hint">
        Open it in this tab. If you do not run Vivavoce yourself, ask whoever does for a link.
      </p>
    </main>
  );
}
