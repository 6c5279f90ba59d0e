"""From a YAML file to a plan: documents, graphs of stages, specs, passes and what they cost."""
