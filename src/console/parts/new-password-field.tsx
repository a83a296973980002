import { useWords } from '../words/use-words.ts'
import { TextField } from './field.tsx'

/** A password that is chosen: the bounds are the API's. */
export function NewPasswordField({ label, name, error }: { label: string; name: string; error: string | undefined }) {
  const t = useWords()
  return (
    <TextField
      label={label}
      hint={t('field.newPassword.hint')}
      name={name}
      type="password"
      autoComplete="new-password"
      minLength={12}
      maxLength={128}
      required
      error={error}
    />
  )
}
