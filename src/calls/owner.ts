/** The activeflow in a name that we gave to a channel or bridge: `connect-<activeflow>-<number>`. */
export function ownerOf(id: string): string | undefined {
  return /^[a-z_]+-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-\d+/.exec(id)?.[1]
}
