/** What a participant can ask for by DTMF. */
export type MenuCommand =
  | 'mute'
  | 'count'
  | 'leave'
  | 'hear_louder'
  | 'hear_softer'
  | 'speak_louder'
  | 'speak_softer'
  | 'lock'
  | 'kick_last'
  | 'mute_all'
  | 'end'

/** The digit after a star; where ConfBridge has the same, with its digit (confbridge.conf.sample, sample_user_menu). */
const commands: Readonly<Record<string, MenuCommand>> = {
  ...{ 1: 'mute', 4: 'hear_softer', 6: 'hear_louder', 7: 'speak_softer', 9: 'speak_louder', 8: 'leave', 0: 'count' },
  ...{ 2: 'lock', 3: 'kick_last', 5: 'mute_all', '#': 'end' },
}

const moderatorsOnly = new Set<MenuCommand>(['lock', 'kick_last', 'mute_all', 'end'])

export const isForModerators = (command: MenuCommand): boolean => moderatorsOnly.has(command)

/** How long the digit after the star may take. */
const secondDigitMs = 3_000

/** Reads the digits that a participant presses: a star, and what is wanted. Others mean nothing here. */
export class DtmfMenu {
  #star = -Infinity

  constructor(readonly chosen: (command: MenuCommand) => void) {}

  press(digit: string): void {
    const isSecond = performance.now() - this.#star < secondDigitMs
    this.#star = digit === '*' ? performance.now() : -Infinity
    const command = isSecond ? commands[digit] : undefined
    if (command) this.chosen(command)
  }
}
