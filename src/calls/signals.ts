/**
 * The reasons of a signal that ends what is being done: the call has ended; Asterisk is out of reach, where the call may
 * live on; or whoever began it does not want it any more.
 */
export const callEnded = new Error('the call has ended')
export const interrupted = new Error('Asterisk is out of reach')
export const cancelled = new Error('it was cancelled')
