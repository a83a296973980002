import { useIsSignedIn } from '../../session/session.ts'
import { SignedInHome } from './signed-in-home.tsx'
import { Welcome } from './welcome.tsx'

/** `/`: what this is, for visitors; where to begin, for who is signed in. */
export default function HomeView() {
  return useIsSignedIn() ? <SignedInHome /> : <Welcome />
}
