/** What every power driver can do. */

export type PowerState = 'on' | 'off';

export interface PowerDriver {
  /**
   * Switches, and returns when the device has taken the order.
   * @param signal ends the attempt
   * @throws CommandError
   */
  switchTo(state: PowerState, signal: AbortSignal): Promise<void>;

  /** What the device says; undefined if it cannot tell. Absent where no device of this kind can. @throws CommandError */
  state?(signal: AbortSignal): Promise<PowerState | undefined>;
}
