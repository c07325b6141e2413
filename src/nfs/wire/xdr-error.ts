/** What arrived is not what the type says: GARBAGE_ARGS of RFC 5531 §9. */
export class XdrError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XdrError';
  }
}
