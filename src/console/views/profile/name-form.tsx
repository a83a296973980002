import type { FormEvent } from 'react'
import type { UserView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import { useProfileChange } from './use-profile-change.ts'
import type words from './words/en.ts'

export function NameForm({ me }: { me: UserView }) {
  const t = useWords<typeof words>()
  const change = useProfileChange(t('profile.saved'))
  const wrong = fieldErrors(change.error)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    change.mutate({ name: String(new FormData(event.currentTarget).get('name')) })
  }
  return (
    <form onSubmit={submit} className="grid gap-3">
      <ErrorNotice error={wrong.name ? null : change.error} />
      <div className="flex flex-wrap items-start gap-3">
        <TextField
          className="flex-1 basis-52"
          label={t('profile.name')}
          name="name"
          defaultValue={me.name}
          autoComplete="name"
          maxLength={100}
          required
          error={wrong.name}
        />
        <Button type="submit" className="mt-6" busy={change.isPending}>
          {t('action.save')}
        </Button>
      </div>
    </form>
  )
}
