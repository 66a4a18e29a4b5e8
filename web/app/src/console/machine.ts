import type { wire } from '@vivavoce/client';

const isolations: Readonly<Record<string, string>> = {
  process: 'Weak: a process of its own, under the same user as its neighbours',
  user: 'A process and a system user of its own; network and kernel are shared',
  sandbox: 'A sandbox of its own: no network, no disk, no rights',
  container: 'A container of its own; the kernel is shared',
  vm: 'A virtual machine of its own',
};

/** What keeps a session's machine from its neighbours; it is said, not hidden. */
export function isolationWords(isolation: string | null): string {
  return isolation === null ? 'Not known yet' : (isolations[isolation] ?? isolation);
}

const states: Readonly<Record<wire.MachineView['state'], string>> = {
  requested: 'Asked for',
  starting: 'Starting',
  ready: 'Ready',
  claimed: 'Healthy: serves this session',
  draining: 'Finishing',
  gone: 'Gone, as it should be',
  failed: 'Failed to start',
  lost: 'Lost; another took over',
};

/** How a machine is, and where. */
export function machineWords({ state, region, provider }: wire.MachineView): string {
  return `${states[state]} · ${provider}${region === null ? '' : `, ${region}`}`;
}
