/** How two values are compared, as it is written in a flow. */
export const conditions = ['==', '!=', '>', '>=', '<', '<='] as const

export type Condition = (typeof conditions)[number]

/** `order`: below 0 when the first one comes before the second, 0 when they are the same. */
export function holds(condition: Condition, order: number): boolean {
  switch (condition) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
  }
}
