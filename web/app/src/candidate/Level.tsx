import { onScale } from './hearing.ts';

/** How loud a microphone is at the moment, on a scale that ears would call even. */
export function Level(props: { readonly level: number; readonly label: string }) {
  const height = onScale(props.level);
  return (
    <div className="level">
      <meter className="hidden" min={0} max={1} value={height} aria-label={props.label} />
      <i
        aria-hidden="true"
        ref={(bar) => void bar?.style.setProperty('--level', height.toFixed(2))}
      />
    </div>
  );
}
