{{- define "poller.state" -}}
{{ .Values.config.state.type | default "sqlite" }}
{{- end }}

{{- define "poller.port" -}}
{{ .Values.config.server.port | default 9090 | int }}
{{- end }}

{{/* config.yaml. In a pod, only 0.0.0.0 can be reached by probes and by Prometheus. What a later file of values set to
     null is left out: Helm keeps it. */}}
{{- define "poller.config" -}}
{{- $server := dict "host" "0.0.0.0" "port" (include "poller.port" . | int) -}}
{{- $config := set (deepCopy .Values.config) "server" (merge $server .Values.config.server) -}}
{{- range $part := list $config.sources $config.outputs -}}
{{- range $name, $value := $part -}}
{{- if kindIs "invalid" $value -}}{{- $_ := unset $part $name -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- include "poller.filled" (dict "text" (toYaml $config) "values" .Values) -}}
{{- toYaml $config -}}
{{- end }}

{{/* Fails where a placeholder would have nothing to be filled with in the pod. */}}
{{- define "poller.filled" -}}
{{- range regexFindAll "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" .text -1 -}}
{{- $name := . | trimPrefix "${" | trimSuffix "}" -}}
{{- if not (hasKey $.values.secretEnv $name) -}}
{{- fail (printf "config: %s has no value: set secretEnv.%s to {secretName: ..., key: ...}" . $name) -}}
{{- end -}}
{{- end -}}
{{- range regexFindAll "\\$\\{file:[^{}]+\\}" .text -1 -}}
{{- $path := . | trimPrefix "${file:" | trimSuffix "}" -}}
{{- $mounted := list -}}
{{- range $folder := values $.values.secretFiles -}}
{{- if hasPrefix (printf "%s/" $folder) $path -}}{{- $mounted = append $mounted $folder -}}{{- end -}}
{{- end -}}
{{- if not $mounted -}}
{{- fail (printf "config: %s is in no mounted secret: set secretFiles.<name of the secret> to %s" . (dir $path)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The ports of all brokers that config names, as strings, in JSON. */}}
{{- define "poller.kafkaPorts" -}}
{{- $ports := list -}}
{{- range append (values .Values.config.outputs) .Values.config.state -}}
{{- range splitList "," ((. | default dict).bootstrap_servers | default "") -}}
{{- with regexFind ":[0-9]+$" (trim .) -}}
{{- $ports = append $ports (trimPrefix ":" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | sortAlpha | toJson -}}
{{- end }}
