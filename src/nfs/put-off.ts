/** The call needs something that is not in memory yet, and is to be run again once it is. */
export class PutOff extends Error {
  readonly until: Promise<void>;

  constructor(until: Promise<void>) {
    super('put off');
    this.name = 'PutOff';
    this.until = until;
  }
}
