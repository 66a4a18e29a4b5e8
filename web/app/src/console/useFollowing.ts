import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react';

const nearPx = 48;

/** A list that stays at its end while it grows, until somebody scrolls away from there. */
export function useFollowing(
  length: number,
  content: unknown,
): {
  readonly list: RefObject<HTMLDivElement | null>;
  readonly isFollowing: boolean;
  /** Lines that came since it was left. */
  readonly unseen: number;
  readonly onScroll: () => void;
  readonly jump: () => void;
} {
  const list = useRef<HTMLDivElement>(null);
  const [leftAt, setLeftAt] = useState<number | null>(null);
  const isFollowing = leftAt === null;
  const jump = useCallback(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
    setLeftAt(null);
  }, []);
  const onScroll = useCallback(() => {
    const shown = list.current;
    if (shown === null) return;
    const below = shown.scrollHeight - shown.scrollTop - shown.clientHeight;
    setLeftAt((before) => (below <= nearPx ? null : (before ?? length)));
  }, [length]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever there is more to follow
  useLayoutEffect(() => {
    if (isFollowing) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [content, isFollowing]);
  return { list, isFollowing, unseen: leftAt === null ? 0 : length - leftAt, onScroll, jump };
}
