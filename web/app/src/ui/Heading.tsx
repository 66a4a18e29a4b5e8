import { type ReactNode, useEffect, useRef } from 'react';

/**
 * What a page is about. It takes the focus when the page comes, so that a keyboard and a screen
 * reader begin there and not where the page before has left them.
 */
export function Heading(props: { readonly children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {props.children}
    </h1>
  );
}
