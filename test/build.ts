import { execFileSync } from 'node:child_process';

/** Builds dist/, which tests start as a person does (the command line and its worker threads). */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
