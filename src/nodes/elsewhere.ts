import { HashdialError } from '../errors.ts'

/** Another process has to do it: the one that carries this Asterisk, or, where none is named, one that carries any. */
export class CallElsewhere extends HashdialError {
  constructor(readonly node: string | undefined) {
    const which = node === undefined ? 'an Asterisk' : `Asterisk ${node}`
    super('UNAVAILABLE', 'CALL_ELSEWHERE', `another process carries ${which}, and it does not answer: try again`)
  }
}
