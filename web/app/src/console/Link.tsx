import type { MouseEvent, ReactNode } from 'react';
import { useDesk } from './context.ts';
import { addressOf, type Place } from './router.ts';

/** A link to another screen; opens in another tab as any link does. */
export function Link(props: {
  readonly to: Place;
  readonly children: ReactNode;
  readonly className?: string;
  readonly isCurrent?: boolean;
}) {
  const { router } = useDesk();
  const follow = (event: MouseEvent) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!isPlain || event.altKey) return;
    event.preventDefault();
    router.go(props.to);
  };
  return (
    <a
      href={addressOf(props.to)}
      className={props.className}
      aria-current={props.isCurrent ? 'page' : undefined}
      onClick={follow}
    >
      {props.children}
    </a>
  );
}
