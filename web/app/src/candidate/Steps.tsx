import { countedSteps } from './steps.ts';

const names = { welcome: 'Welcome', consent: 'Your agreement', check: 'Sound check' } as const;

/** Which of the steps before the interview this is. */
export function StepLine(props: { readonly current: (typeof countedSteps)[number] }) {
  const at = countedSteps.indexOf(props.current);
  return (
    <p className="steps">
      Step {at + 1} of {countedSteps.length + 1}: {names[props.current]}
    </p>
  );
}
