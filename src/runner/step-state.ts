/**
 * States of a step's process. `group` is the ID of its process group; null until the script on the target server has
 * reported the start.
 *
 * - `starting`: the shell was opened, but the start is not reported yet.
 * - `running`: the start was reported.
 * - `stopping`: the end was requested, because of the time limit, the abort signal or a failed stream.
 * - `draining`: the exit code was reported, and the remaining output is being read.
 * - `closed`: the shell has ended.
 */
export type StepState =
  | { readonly name: 'starting'; readonly group: null }
  | { readonly name: 'running'; readonly group: number }
  | { readonly name: 'stopping'; readonly group: number | null }
  | {
      readonly name: 'draining';
      readonly group: number | null;
      readonly exitCode: number;
      readonly stopRequested: boolean;
    }
  | { readonly name: 'closed'; readonly group: number | null; readonly exitCode: number | null };

/**
 * The script on the target server reports `started` and `ended`; `stop` is Devpilot's request to end the step; `closed`
 * means that the shell has ended.
 */
export type StepEvent =
  | { readonly type: 'started'; readonly group: number }
  | { readonly type: 'ended'; readonly exitCode: number }
  | { readonly type: 'stop' }
  | { readonly type: 'closed' };

/**
 * The actions that `StepProcess` performs on a transition.
 *
 * - `supervise`: starts the time limit, and pipes the input stream of the step to the shell or, if there is none, sends
 *   heartbeats.
 * - `startStopTimeout`: sets the time within which the process group must end.
 * - `withdraw`: tries to prevent the start, which has not been reported yet. If it is reported anyway, the step is
 *   ended.
 * - `endGroup`: ends the process group.
 * - `drain`: reads the remaining output, and then closes the streams.
 */
export type StepAction = 'supervise' | 'startStopTimeout' | 'withdraw' | 'endGroup' | 'drain';

export interface StepTransition {
  readonly state: StepState;
  readonly actions: readonly StepAction[];
}

export const INITIAL_STATE: StepState = { name: 'starting', group: null };

/** Returns the state after an event and the actions to perform. Unexpected events change nothing. */
export function transition(state: StepState, event: StepEvent): StepTransition {
  const unchanged = { state, actions: [] };
  if (state.name === 'closed') return unchanged;
  switch (event.type) {
    case 'started': {
      const { group } = event;
      if (state.name === 'starting') return { state: { name: 'running', group }, actions: ['supervise'] };
      // The end of the step was requested before its start was reported.
      if (state.name === 'stopping' && state.group === null)
        return { state: { name: 'stopping', group }, actions: ['endGroup'] };
      return unchanged;
    }
    case 'ended': {
      if (state.name === 'draining') return unchanged;
      const { name, group } = state;
      const { exitCode } = event;
      return { state: { name: 'draining', group, exitCode, stopRequested: name === 'stopping' }, actions: ['drain'] };
    }
    case 'stop': {
      if (state.name === 'stopping' || (state.name === 'draining' && state.stopRequested)) return unchanged;
      const next: StepState =
        state.name === 'draining' ? { ...state, stopRequested: true } : { name: 'stopping', group: state.group };
      return { state: next, actions: ['startStopTimeout', state.group === null ? 'withdraw' : 'endGroup'] };
    }
    case 'closed': {
      const exitCode = state.name === 'draining' ? state.exitCode : null;
      return { state: { name: 'closed', group: state.group, exitCode }, actions: [] };
    }
  }
}
