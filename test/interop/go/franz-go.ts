// Builds the franz-go client program once per change of its sources, and starts it.
// Needs Go, and the module proxy the first time.
import { ClientProgram } from '../programs/client-program.ts'
import { buildGoProgram } from '../programs/go-programs.ts'

export const startFranzGo = async (): Promise<ClientProgram> =>
  new ClientProgram(await buildGoProgram('go', 'franz-go'), [])
