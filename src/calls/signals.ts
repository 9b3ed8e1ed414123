/**
 * The reasons of a signal that ends what is being done: the call has ended; Asterisk is out of reach, where the call may
 * live on; another process carries the call; or whoever began it does not want it any more.
 */
export const callEnded = new Error('the call has ended')
export const interrupted = new Error('Asterisk is out of reach')
export const handedOver = new Error('another process carries the call')
export const cancelled = new Error('it was cancelled')
