"""make test-kubernetes: deploy/kubernetes.yaml against the schemas of Kubernetes, which kubernetes-validate carries, and
its command run here once for each index, since no cluster is at hand: the cache must hold what one plain run computes."""

import json
import os
import pathlib
import subprocess
import tempfile

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).parents[2]
MANIFEST = (ROOT / 'deploy/kubernetes.yaml').read_text()
# Before 1.29, a rule of podFailurePolicy wanted both exit codes and conditions.
VERSIONS = sorted({v for v in kubernetes_validate.utils.all_versions() if int(v.split('.')[1]) >= 29})


def mistakes(manifest):
    """What the schemas find wrong, unknown fields included."""
    found = []
    for version in VERSIONS:
        for document in yaml.safe_load_all(manifest):
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                found.append(f'{version}: {error.message}')
    return found


def broken(old, new):
    assert MANIFEST.count(old) == 1, f'expected "{old}" once'
    found = mistakes(MANIFEST.replace(old, new))
    assert len(found) == len(VERSIONS), f'"{new}" passes: {found}'
    print(f'  "{new}" is refused: {found[-1]}')


def pool5(*args, **variables):
    command = ['node', ROOT / 'dist/stages/cli.js', *args]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


assert mistakes(MANIFEST) == [], mistakes(MANIFEST)
print(f'deploy/kubernetes.yaml is valid for Kubernetes {VERSIONS[0]} to {VERSIONS[-1]}.')
broken('completions: 4', 'completions: many')
broken('backoffLimitPerIndex: 6', 'backoffLimitPerIndexes: 6')
broken('containerName: extract, operator: In', 'containerName: extract')
broken('accessModes: [ReadWriteMany]', 'accessModes: ReadWriteMany')

claim, job = yaml.safe_load_all(MANIFEST)
spec, pod = job['spec'], job['spec']['template']['spec']
[container] = pod['containers']
[volume] = pod['volumes']
[mount] = container['volumeMounts']
variables = {each['name']: each['value'] for each in container['env']}
pods = spec['completions']
# What no schema knows.
assert spec['completionMode'] == 'Indexed' and pod['restartPolicy'] == 'Never'
assert spec['parallelism'] == pods and variables == {'JOB_COMPLETIONS': str(pods)}, (spec['parallelism'], variables)
assert mount['name'] == volume['name'] and volume['persistentVolumeClaim']['claimName'] == claim['metadata']['name']
assert container['name'] == spec['podFailurePolicy']['rules'][1]['onExitCodes']['containerName']

with tempfile.TemporaryDirectory() as folder:
    here = [arg.replace(mount['mountPath'], folder) for arg in container['args']]
    pool5('sample', '--out', f'{folder}/photos', '--count', '12')
    for index in range(pods):
        said = pool5(*here, **variables, JOB_COMPLETION_INDEX=str(index))
        assert f'(part {index + 1}/{pods}, from JOB_COMPLETION_INDEX)' in said, said
        print(f'  {said.strip()}')
    pool5('extract', '--images', f'{folder}/photos', '--features', f'{folder}/plain')
    digests = [
        json.loads(pool5('inspect', '--features', f'{folder}/{name}', '--json'))['contentDigest']
        for name in ('features', 'plain')
    ]
assert digests[0] == digests[1], digests
print(f'{pods} indices one after the other, and one plain run: the same content, {digests[0]}.')
