/** What a shell reads at its start, so that it asks slipctl itself: what is completed is never older than the program. */
export const completionScripts = {
  bash: `_slipctl() {
  local IFS=$'\\n'
  COMPREPLY=($(slipctl complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _slipctl slipctl`,
  zsh: `#compdef slipctl
_slipctl() {
  local -a found
  found=("\${(@f)$(slipctl complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _slipctl slipctl`,
  fish: `complete -c slipctl -a '(slipctl complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'`,
} as const;
